package recover

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/web"
)

// mountUpload adds the route that takes documents in.
func (h *Handler) mountUpload(r *mux.Router) {
	r.Handle("/appeal/evidence/file", h.Web.GuardUpload(web.UploadLimits{}, http.HandlerFunc(h.upload))).Methods(http.MethodPost)
}

// upload is POST /appeal/evidence/file: one document of an appeal that is not
// filed yet; afterwards it is 409 (S58).
func (h *Handler) upload(w http.ResponseWriter, r *http.Request) {
	ctx, id := r.Context(), flowOf(r)
	caseID, err := h.Recovery.MayAttach(ctx, h.asker(w, r), id)
	if err != nil {
		for _, unread := range web.Uploads(r) { // read off, so that the answer arrives
			_ = unread
			break
		}
		h.end(w, r, err)
		return
	}
	err = &fault.Error{Kind: fault.Invalid, Field: "file", Msg: document.MsgEmpty}
	for u, e := range web.Uploads(r) {
		if err = e; err == nil {
			_, err = h.Documents.Add(ctx, document.Upload{
				Owner: caseID, Case: caseID, Kind: document.Kind(r.PostForm.Get("role")), Name: u.Name, Body: u.Body,
			}, audit.From(ctx, audit.Event{Actor: caseID}))
		}
		break
	}
	var why *fault.Error
	switch {
	case err == nil:
		see(w, at("/appeal/evidence", id))
	case errors.As(err, &why) && why.Field == "file":
		p, ok := h.evidence(w, r)
		if ok {
			p.FileError = h.says(why)
			h.Web.Show(w, r, http.StatusOK, p)
		}
	default:
		h.Web.FailUpload(w, r, err)
	}
}
