"""The version of the service and the builder, named in answers and manifests."""

VERSION = "0.1.0"
