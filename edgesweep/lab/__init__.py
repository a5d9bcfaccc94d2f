"""The lab: strategies over past deploys, and their cost; never deployed."""
