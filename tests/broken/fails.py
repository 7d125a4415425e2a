raise RuntimeError("canary-secret")
