package realname

import "kejitong/provider/account"

// State is where a case stands.
type State string

// The states (R21). An account without a case is None.
const (
	None         State = ""
	Pending      State = account.StatusPending      // 认证中
	Verified     State = account.StatusVerified     // 已认证
	Failed       State = account.StatusFailed       // 认证失败
	ManualReview State = account.StatusManualReview // 人工审核中
	Rejected     State = account.StatusRejected     // 审核驳回
)

// Open tells whether the case still waits for somebody's decision.
func (s State) Open() bool { return s == Pending || s == ManualReview }

// Event is what can happen to a case.
type Event string

// The events.
const (
	Enter   Event = "enter"   // data was entered or corrected
	Pass    Event = "pass"    // the verifier found it right
	Fail    Event = "fail"    // the verifier found it wrong
	Defer   Event = "defer"   // no verifier settles it: documents decide
	HandIn  Event = "hand_in" // documents were handed in
	Approve Event = "approve" // by a reviewer
	Reject  Event = "reject"  // by a reviewer
)

// transitions is the machine of R21. Whoever corrects the data of a review that
// nobody decided yet takes it out of the queue. Data entered after a verdict for
// it begins another case, and the account stays verified until that has one.
var transitions = map[State]map[Event]State{
	None:         {Enter: Pending},
	Pending:      {Pass: Verified, Fail: Failed, Defer: ManualReview},
	Failed:       {Enter: Pending, HandIn: ManualReview},
	ManualReview: {Enter: Pending, HandIn: ManualReview, Approve: Verified, Reject: Rejected},
	Rejected:     {Enter: Pending, HandIn: ManualReview},
	Verified:     {Enter: Pending},
}

// Next is the state after e, and whether e may happen in s at all.
func Next(s State, e Event) (State, bool) {
	to, ok := transitions[s][e]
	return to, ok
}
