"""The command line for people: kubectl plafond."""
