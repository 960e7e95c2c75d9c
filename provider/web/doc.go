// Package web is what all HTTP surfaces share: one middleware around the whole
// server (Kit.Wrap), the guard of our own forms (Kit.Guard), cookies, the
// drawing of pages (Kit.Show) and the turning of errors into pages or JSON
// (Kit.Fail).
//
//	Wrap ── id, address, limits, headers, log, recover
//	  └ mux (elsewhere)
//	      ├ /oauth2/*     answers for itself, errors by Fail
//	      ├ Guard ── our forms: origin, content type, token
//	      │   └ handler ── Browser, Show, Fail
//	      ├ /lang         Language
//	      └ /static/*     Static
//
// What a request is known by rides in its context: RequestID, ClientIP, Locale.
// Package web knows no domain besides the faults and the audit vocabulary.
package web
