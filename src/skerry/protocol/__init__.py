"""What clients and the engine say to each other: requests, answers, versions. A file a kind; no state, no machine."""
