package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// uploads takes objects. A resumable one grows in a file of its own and becomes an object when its last byte is there:
// https://cloud.google.com/storage/docs/performing-resumable-uploads
type uploads struct {
	folder  string
	url     string
	objects http.Handler
}

// session is a resumable upload under way. It outlives the process: a client may go on after a restart.
type session struct {
	Bucket string `json:"bucket"`
	// Query is the first request's, for its conditions and predefined ACL.
	Query    url.Values `json:"query"`
	Metadata document   `json:"metadata"`
}

var sessionName = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (u *uploads) start(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("uploadType") != "resumable" {
		u.objects.ServeHTTP(w, r)
		return
	}
	metadata := document{}
	if err := json.NewDecoder(r.Body).Decode(&metadata); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, "parseError", err.Error())
		return
	}
	// The name may stand in the query or in the body; both are the same to the service.
	if name := query.Get("name"); name != "" {
		metadata["name"] = name
	}
	if name, _ := metadata["name"].(string); name == "" {
		refuse(w, http.StatusBadRequest, "required", "Required object name is missing.")
		return
	}
	if kind := r.Header.Get("X-Upload-Content-Type"); kind != "" && metadata["contentType"] == nil {
		metadata["contentType"] = kind
	}
	bucket := r.PathValue("bucket")
	if exists := u.inner(httptest.NewRequest(http.MethodGet, "/storage/v1/b/"+url.PathEscape(bucket), nil)); exists.Code != http.StatusOK {
		refuse(w, http.StatusNotFound, "notFound", "The specified bucket does not exist.")
		return
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	id := hex.EncodeToString(random)
	content, err := json.Marshal(session{bucket, query, metadata})
	if err == nil {
		err = errors.Join(os.WriteFile(u.part(id), nil, 0o600), os.WriteFile(u.state(id), content, 0o600))
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	w.Header().Set("Location", fmt.Sprintf("%s/upload/storage/v1/b/%s/o?uploadType=resumable&upload_id=%s", u.url, url.PathEscape(bucket), id))
	w.Header().Set("X-GUploader-UploadID", id)
	w.WriteHeader(http.StatusOK)
}

func (u *uploads) resume(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("upload_id")
	upload, ok := u.find(w, id)
	if !ok {
		return
	}
	sent, err := parseRange(r.Header.Get("Content-Range"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	part, err := os.OpenFile(u.part(id), os.O_RDWR, 0o600)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	defer part.Close()
	received, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	if sent.hasBytes {
		if sent.start > received {
			refuse(w, http.StatusBadRequest, "invalid", fmt.Sprintf("the upload has %d bytes; these start at %d", received, sent.start))
			return
		}
		// A client that did not see the last answer sends some bytes again.
		if _, err = io.CopyN(io.Discard, r.Body, received-sent.start); err == nil {
			var more int64
			more, err = io.Copy(part, r.Body)
			received += more
		}
		if err != nil && !errors.Is(err, io.EOF) {
			// The client is gone; what came stays, for it to go on from.
			refuse(w, http.StatusBadRequest, "invalid", err.Error())
			return
		}
	}
	if !sent.completes(received) {
		proceed(w, r, received)
		return
	}
	u.finish(w, id, upload, part)
}

func (u *uploads) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("upload_id")
	if _, ok := u.find(w, id); !ok {
		return
	}
	if err := u.forget(id); err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	// The service's own answer to a cancelled upload.
	w.WriteHeader(499)
}

// finish hands the whole file to fake-gcs-server as one multipart upload, which checks conditions and checksums.
func (u *uploads) finish(w http.ResponseWriter, id string, upload session, content *os.File) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	metadata, _ := json.Marshal(upload.Metadata)
	kind, _ := upload.Metadata["contentType"].(string)
	if kind == "" {
		kind = "application/octet-stream"
	}
	var head, tail bytes.Buffer
	form := multipart.NewWriter(&head)
	first, _ := form.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/json"}})
	_, _ = first.Write(metadata)
	_, _ = form.CreatePart(textproto.MIMEHeader{"Content-Type": {kind}})
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", form.Boundary())

	query := url.Values{"uploadType": {"multipart"}, "name": {upload.Metadata["name"].(string)}}
	for name, values := range upload.Query {
		if name != "uploadType" && name != "name" {
			query[name] = values
		}
	}
	request := httptest.NewRequest(
		http.MethodPost, u.url+"/upload/storage/v1/b/"+url.PathEscape(upload.Bucket)+"/o?"+query.Encode(),
		io.MultiReader(&head, content, &tail),
	)
	request.Header.Set("Content-Type", "multipart/related; boundary="+form.Boundary())
	made := u.inner(request)
	// Whether it was stored or refused, the session is over; only after a failure of ours may the client try the end again.
	if made.Code < http.StatusInternalServerError {
		if err := u.forget(id); err != nil {
			refuse(w, http.StatusInternalServerError, "backendError", err.Error())
			return
		}
	}
	copyAnswer(w, made)
}

func (u *uploads) find(w http.ResponseWriter, id string) (session, bool) {
	if !sessionName.MatchString(id) {
		refuse(w, http.StatusNotFound, "notFound", "no such upload")
		return session{}, false
	}
	content, err := os.ReadFile(u.state(id))
	if errors.Is(err, fs.ErrNotExist) {
		refuse(w, http.StatusNotFound, "notFound", "no such upload")
		return session{}, false
	}
	var found session
	if err == nil {
		err = json.Unmarshal(content, &found)
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return session{}, false
	}
	return found, true
}

func (u *uploads) forget(id string) error {
	return errors.Join(os.Remove(u.state(id)), os.Remove(u.part(id)))
}

func (u *uploads) state(id string) string { return filepath.Join(u.folder, id+".json") }

func (u *uploads) part(id string) string { return filepath.Join(u.folder, id+".part") }

func (u *uploads) inner(request *http.Request) *httptest.ResponseRecorder {
	request.Host = strings.TrimPrefix(u.url, "http://")
	response := httptest.NewRecorder()
	u.objects.ServeHTTP(response, request)
	return response
}

// proceed asks for more. Go's client cannot take a 308 and says so in a header.
func proceed(w http.ResponseWriter, r *http.Request, received int64) {
	if received > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", received-1))
	}
	if _, no308 := r.Header["X-Guploader-No-308"]; no308 {
		w.Header().Set("X-Http-Status-Code-Override", "308")
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}
