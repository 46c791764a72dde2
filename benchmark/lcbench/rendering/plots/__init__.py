"""The pictures of reports and audits."""
