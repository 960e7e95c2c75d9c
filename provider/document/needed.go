package document

import (
	"slices"

	"kejitong/provider/account"
)

// Need is a kind of evidence that a case asks for.
type Need struct {
	Kind     Kind
	Required bool
}

// Needed is what real-name verification by documents asks of an account (R20):
// both sides of a card, the page with the portrait of a passport; of a unit its
// licence, the handler's document and, unless the handler is the legal
// representative himself, the authorisation. idType is the document type of the
// person, or of the unit's handler.
func Needed(kind account.Kind, idType string, handlerLeads bool) []Need {
	card := idType != account.DocPassport
	person := []Need{{IDFront, true}, {IDBack, card}}
	if kind != account.LegalEntity {
		return append(person, Need{Other, false})
	}
	out := append([]Need{{Licence, true}}, person...)
	return append(out, Need{Authorisation, !handlerLeads}, Need{ChangeCertificate, false}, Need{Other, false})
}

// AnyWaits tells whether one of the documents waits for the scanner.
func AnyWaits(all []Document) bool {
	return slices.ContainsFunc(all, func(d Document) bool { return d.Scan == Waiting })
}

// Missing are the required kinds that none of the documents is of; those in
// quarantine are none.
func Missing(needs []Need, have []Document) []Kind {
	there := map[Kind]bool{}
	for _, d := range have {
		there[d.Kind] = there[d.Kind] || d.Scan != Quarantined
	}
	var out []Kind
	for _, n := range needs {
		if n.Required && !there[n.Kind] {
			out = append(out, n.Kind)
		}
	}
	return out
}
