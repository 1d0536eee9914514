# The organisation's tables as the tests of the shipped rules see them: with these they pass whatever
# the organisation's own tables say. A test evaluates what it tests `with data.org as tables.org`.
package changegate.tables_test

org := {
	"roster": {
		"people": {
			"alice": {"level": "L1"},
			"bob": {"level": "L2", "roles": ["devops-lead"]},
			"erin": {"level": "L3", "roles": ["incident-commander"]},
			"ivan": {},
		},
		"services": {
			"edge": {"owners": ["bob"], "targets": ["cdn"]},
			"learning-portal": {"owners": ["erin"], "targets": ["portal-web"]},
		},
	},
	"actions": {
		"reviewed": "2026-11-02",
		"pull-logs": reading("low"),
		"purge-cache": changing("medium", {"text": "none needed", "needed": false}),
		"restart-pods": changing("medium", {"text": "roll the deployment back", "needed": true}),
		"scale-service": changing("medium", {"text": "scale back", "needed": true}),
		"deploy": changing("medium", {"text": "roll the release back", "needed": true}),
		"maintenance-mode": changing("high", {"text": "toggle the flag off", "needed": true}),
		"blacklist-ip": changing("high", {"text": "remove the address", "needed": true, "level": "L2"}),
		"failover-region": changing("high", {"text": "reverse it", "needed": true, "level": "L3"}),
		"rotate-secrets": changing("critical", {"text": "re-issue the old one", "needed": true, "level": "L3"}),
	},
	"matrix": {
		"low": {"L1": "direct", "L2": "direct", "L3": "direct"},
		"medium": {"L1": "direct", "L2": "direct", "L3": "direct"},
		"high": {"L1": ["L2", "L3"], "L2": "direct", "L3": "direct"},
		"critical": {"L1": ["L3"], "L2": ["L3"], "L3": "direct"},
	},
	"settings": {"protected_bases": ["main"], "strict_separation": false, "unsigned_reviews": "refuse"},
}

reading(tier) := {"tier": tier, "read_only": true, "rollback": {"text": "none needed", "needed": false}}

changing(tier, rollback) := {"tier": tier, "read_only": false, "rollback": rollback}

# The tables with other settings.
with_settings(settings) := object.union(org, {"settings": settings})
