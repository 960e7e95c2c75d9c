// Package enroll is the pages of registration (/register) and of the forgotten
// login name (/forgot/name).
//
//	/register ─▶ /register/person or /register/unit ─▶ /register/code ─▶ /register/account ─▶ /register/done ─▶ /login
//
// Which step a browser is at says the flow of package signup; the browser holds
// its id in a cookie and nothing else. A page whose step is not due leads to the
// beginning.
package enroll
