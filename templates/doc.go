// Package templates draws every page that a person sees, on the server, in
// Chinese and in English, without needing script.
//
// There is one Go struct per page (SignIn, ChooseUnit, Consent, …). A handler
// fills the struct and hands it to Renderer.Render together with a Frame, which
// holds what all pages share: the language, the CSP nonce, the form token, who
// is signed in. Pages show, they do not decide.
//
//	layout/    the document around every page, and the parts that pages share
//	interact/  the pages of a sign-in: window, unit, consent, refusal, sign-out
//	portal/    the pages of the platform itself
//	messages/  every word that is shown, a folder for each language
//	static/    one stylesheet, one script, the brand mark
//
// Package templates knows neither HTTP requests nor domains; package web puts
// the two together.
package templates
