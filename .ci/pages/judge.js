// Looks at the pages that a test left, in Chromium: in light and in dark, wide and narrow, whether anything is wider
// than the page, and what axe-core finds against WCAG. Leaves a picture of each beside it.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const profile = mkdtempSync(join(tmpdir(), "pages-"));
const driver = spawn("chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
let problems = 0;

const port = await new Promise((found, failed) => {
  let said = "";
  driver.stdout.on("data", (text) => {
    said += text;
    const port = said.match(/started successfully on port (\d+)/);
    if (port) found(port[1]);
  });
  driver.on("exit", (code) => failed(new Error(`chromedriver ended with ${code}: ${said}`)));
  driver.on("error", failed);
});

async function ask(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${port}/session${path}`, {
    method,
    body: body && JSON.stringify(body),
  });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(value)}`);
  return value;
}

function complain(where, what) {
  problems += 1;
  console.error(`${where}: ${what}`);
}

const capabilities = {
  alwaysMatch: {
    "goog:chromeOptions": {
      args: [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--force-color-profile=srgb", `--user-data-dir=${profile}`,
      ],
    },
  },
};
let at = "";
const chrome = (cmd, params) => ask("POST", `${at}/goog/cdp/execute`, { cmd, params });
const run = (script, ...args) => ask("POST", `${at}/execute/sync`, { script, args });

try {
  at = `/${(await ask("POST", "", { capabilities })).sessionId}`;
  const pages = readdirSync(folder).filter((name) => name.endsWith(".html"));
  if (pages.length === 0) complain(folder, "holds no page");
  for (const page of pages) {
    for (const theme of ["light", "dark"]) {
      for (const width of [1280, 390]) {
        const where = `${page}, ${theme}, ${width} px`;
        const features = [{ name: "prefers-color-scheme", value: theme }];
        await chrome("Emulation.setEmulatedMedia", { features });
        const size = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await chrome("Emulation.setDeviceMetricsOverride", size);
        await ask("POST", `${at}/url`, { url: pathToFileURL(join(folder, page)).href });
        const wide = await run("return document.documentElement.scrollWidth");
        if (wide > width) complain(where, `is ${wide} px wide`);
        await run(axe);
        const found = await ask("POST", `${at}/execute/async`, {
          script: "const done = arguments[0]; axe.run({ resultTypes: ['violations'] }).then(done, (it) => done({ error: String(it) }))",
          args: [],
        });
        if (found.error) complain(where, found.error);
        for (const { id, help, nodes } of found.violations ?? []) {
          complain(where, `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
        }
        const whole = await chrome("Page.captureScreenshot", { captureBeyondViewport: true });
        const name = page.replace(/\.html$/, `-${theme}-${width}.png`);
        writeFileSync(join(folder, name), Buffer.from(whole.data, "base64"));
      }
    }
  }
  console.log(`${pages.length * 4} views of ${pages.length} pages, ${problems} problems`);
} finally {
  if (at) await ask("DELETE", at).catch(() => {});
  driver.kill();
  rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
}
process.exit(problems === 0 ? 0 : 1);
