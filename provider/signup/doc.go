// Package signup makes accounts: natural persons and legal entities register
// themselves, and those who forgot under which login name find it again.
//
// What was shown of somebody stands in a Flow, a row that the browser knows only
// the key of: which mobile number, whether it was proved, what was agreed to.
// Forms bring no step with them, so none can be left out, taken from another flow
// or done twice (S56). The order is what keeps the pages from being an oracle
// (S49): captcha, then a code to the mobile, and only then may it be told that a
// login name, a USCC or a unit's name is taken. That a mobile number is known is
// never told to who asks; its owner gets a message.
//
// That each of the three is taken once is for the database to keep, whoever else
// is at it in the same moment (R15).
package signup
