package document

// pdfPictures gives the JPEGs that the pages of a PDF are.
func pdfPictures([]byte) ([][]byte, error) { return nil, refused(MsgPDFForm) }
