"""What `make bench` runs: Qingxin beside Synapse, over HTTP only. See README.md."""
