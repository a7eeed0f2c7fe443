"""The console in a browser. A package, so that what it shares ends with it: Chromium's event loop is in the way of others."""
