"""The wire formats: custom resources and annotations to and from the model, and the CRDs."""
