package recover

import "github.com/gorilla/mux"

// mountUpload adds the route that takes documents in.
func (h *Handler) mountUpload(_ *mux.Router) {}
