package account

import (
	"regexp"
	"time"
)

// The identity documents that a person may be verified with, as the id_type
// claim names them.
const (
	DocResident        = "cn_resident_id"           // 居民身份证
	DocResidencePermit = "hmt_residence_permit"     // 港澳台居民居住证
	DocPermanent       = "cn_permanent_resident_id" // 外国人永久居留身份证
	DocMainlandPass    = "hm_mainland_pass"         // 港澳居民来往内地通行证
	DocTaiwanPass      = "tw_mainland_pass"         // 台湾居民来往大陆通行证
	DocPassport        = "passport"                 // 护照
)

var (
	mainlandPass = regexp.MustCompile(`^[HM][0-9]{8}([0-9]{2})?$`)
	taiwanPass   = regexp.MustCompile(`^([0-9]{8}|[0-9]{10}[0-9A-Z]{0,2})$`)
	passport     = regexp.MustCompile(`^[A-Z0-9]{5,17}$`)
)

// ParseDocument gives the canonical number of a document whose type the form
// says. The type is never guessed: 810000199001010019 passes the checks of a
// residence permit and of a USCC alike.
func ParseDocument(docType, number string, now time.Time) (string, error) {
	const field = "id_number"
	var form *regexp.Regexp
	switch docType {
	case DocResident, DocResidencePermit:
		r, err := ParseResidentID(number, now)
		if err != nil {
			return "", err
		}
		if docType == DocResidencePermit && !r.Residence() {
			return "", invalid(field, MsgResidencePermit)
		}
		return string(r), nil
	case DocPermanent:
		return ParsePermanentResidentID(number, now)
	case DocMainlandPass:
		form = mainlandPass
	case DocTaiwanPass:
		form = taiwanPass
	case DocPassport:
		form = passport
	default:
		return "", invalid("id_type", MsgDocumentType)
	}
	c, err := compact(field, number)
	if err != nil {
		return "", err
	}
	if !form.MatchString(c) {
		return "", invalid(field, MsgDocumentForm)
	}
	return c, nil
}
