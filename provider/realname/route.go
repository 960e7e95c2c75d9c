package realname

import "kejitong/provider/account"

// automatic is R22: which units an authority's register answers for, by region and
// type. All others are for documents alone.
var automatic = map[string][]string{
	account.Mainland: {account.UnitEnterprise, account.UnitSocialOrganization, account.UnitPublicInstitution},
	account.HMT:      {},
	account.Overseas: {},
}

// digits are the documents whose numbers carry a check digit. The others are for
// documents alone, unless the verifier says that it knows them.
var digits = []string{account.DocResident, account.DocResidencePermit, account.DocPermanent}

// Manual tells whether no verifier may be asked about e; v is nil where there is
// none.
func Manual(e Entry, v Verifier) bool {
	if v == nil {
		return true
	}
	if e.Person != nil {
		return !covers(v, e.Person.IDType)
	}
	u := e.Unit
	return u == nil || !contains(automatic[u.Region], u.Type) || !covers(v, u.LegalRep.IDType)
}

func covers(v Verifier, idType string) bool { return contains(digits, idType) || v.Supports(idType) }

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}
