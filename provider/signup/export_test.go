package signup

// KeyOf is the key of a flow's id, BrowserOf that of a browser, for tests that
// put flows into the database themselves.
func KeyOf(id string) string          { return digest("flow", id) }
func BrowserOf(browser string) string { return digest("browser", browser) }
