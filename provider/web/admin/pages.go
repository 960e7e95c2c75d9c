package admin

import (
	"encoding/json"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// sealPage is what a link carries on to another page: sealed, and bound to a place
// that names the operator and what was looked for, so that nobody makes one up or
// carries one over (S83).
func (h *Handler) sealPage(place string, what any) (string, error) {
	plain, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	return h.Keys().Seal(keys.Page, place, plain)
}

// openPage opens what sealPage sealed for the same place.
func (h *Handler) openPage(place, token string, into any) error {
	plain, err := h.Keys().Open(keys.Page, place, token)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// A search is posted, since numbers must not stand in addresses; what it found
// comes back as a sealed token.
const foundFor = 15 * time.Minute

type found struct {
	IDs   []account.ID `json:"i"`
	Until int64        `json:"u"`
}

func (h *Handler) sealFound(place string, ids []account.ID) (string, error) {
	return h.sealPage(place, found{ids, h.Now().Add(foundFor).Unix()})
}

// openFound opens what sealFound sealed; fault.Gone if it is of another place or too
// old.
func (h *Handler) openFound(place, token string) ([]account.ID, error) {
	var f found
	if err := h.openPage(place, token, &f); err != nil || h.Now().Unix() > f.Until {
		return nil, fault.New(fault.Gone, "no result of this operator's")
	}
	return f.IDs, nil
}
