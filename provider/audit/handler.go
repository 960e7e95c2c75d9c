package audit

// What becomes of those who act for a unit. The mandate and the entitlements that
// come and go with it have rows of their own.
const (
	HandlerInvited   Kind = "handler.invited"   // detail: the role
	HandlerConfirmed Kind = "handler.confirmed" // detail: the role
	HandlerDeclined  Kind = "handler.declined"
	HandlerEnded     Kind = "handler.ended"  // detail: what ended it
	HandlerActing    Kind = "handler.acting" // said, and proved, who acts in a legal account's session
)
