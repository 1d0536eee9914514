//! Checks what is to be taken out of the evidence.

use std::collections::BTreeSet;

use super::Reader;
use crate::characters::is_blank;
use crate::org::Org;

impl Reader {
    pub(super) fn check_erasures(&mut self, org: &Org) {
        let mut seen = BTreeSet::new();
        for (index, erasure) in org.erasures.iter().enumerate() {
            let at = index.to_string();
            if is_blank(&erasure.reason) {
                let help = "say why the file has to go";
                self.report("erasures", &[&at, "reason"], "the reason is empty", help);
            }
            if !seen.insert(&erasure.digest) {
                let message = format!("{} is listed twice", erasure.digest);
                self.report("erasures", &[&at, "digest"], message, "delete one of the entries");
            }
        }
    }
}
