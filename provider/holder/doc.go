// Package holder is what the holder of an account does with it over its life:
// change the mobile number and the e-mail address, see and take away what is
// stored, close the account and take that back. It also has what time does to
// accounts: those that nobody uses are disabled, numbers that may belong to
// somebody else by now are doubted, and units end.
//
// What is asked for waits as an Errand, one of a kind for an account. An errand knows
// which codes were right; nothing happens on the word of the browser. Whether the
// visitor signed in just now (S63) is the surface's matter.
package holder
