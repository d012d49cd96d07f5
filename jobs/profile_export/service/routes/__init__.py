"""The routes: one module for each part of the API, thin: read, ask the store, answer."""
