package audit

// The deeds around second factors and devices.
const (
	FactorAdded       Kind = "factor.added"
	FactorRenamed     Kind = "factor.renamed"
	FactorRemoved     Kind = "factor.removed"
	FactorFailed      Kind = "factor.failed"    // a second factor was shown that does not hold
	FactorThrottled   Kind = "factor.throttled" // too many of them
	RecoveryCodesMade Kind = "recovery_codes.made"
	RecoveryCodeUsed  Kind = "recovery_code.used"
	SessionRaised     Kind = "session.raised" // a second factor was shown in a session
)
