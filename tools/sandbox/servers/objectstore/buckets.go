package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// buckets answers for buckets: https://cloud.google.com/storage/docs/json_api/v1/buckets
type buckets struct {
	folder  string
	url     string
	objects http.Handler
	lock    sync.Mutex
}

// What the service itself says of a bucket; a client's own values for these are not taken.
var outputOnly = []string{
	"kind", "id", "selfLink", "projectNumber", "metageneration", "timeCreated", "updated", "etag", "locationType",
}

func (b *buckets) insert(w http.ResponseWriter, r *http.Request) {
	wanted, ok := readDocument(w, r)
	if !ok {
		return
	}
	name, _ := wanted["name"].(string)
	b.lock.Lock()
	defer b.lock.Unlock()
	if _, exists, err := readRecord(b.folder, name); err != nil || exists {
		refuseUnless(w, err, http.StatusConflict, "conflict", fmt.Sprintf("The requested bucket name %q is not available.", name))
		return
	}
	// fake-gcs-server checks the name. It may know the bucket already, from a run that was killed before our record was written.
	if made := b.inner(http.MethodPost, "/storage/v1/b", document{"name": name}); made.Code != http.StatusOK && made.Code != http.StatusConflict {
		copyAnswer(w, made)
		return
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	bucket := withDefaults(without(wanted, outputOnly))
	bucket["kind"], bucket["id"], bucket["selfLink"] = "storage#bucket", name, b.url+"/storage/v1/b/"+url.PathEscape(name)
	bucket["projectNumber"], bucket["locationType"] = "0", locationType(bucket["location"])
	bucket["metageneration"], bucket["timeCreated"], bucket["updated"] = "1", now, now
	bucket["etag"] = etag(1)
	policy := document{
		"kind": "storage#policy", "resourceId": "projects/_/buckets/" + name, "version": 1, "etag": etag(1), "bindings": []any{},
	}
	b.save(w, name, record{bucket, policy})
}

func (b *buckets) get(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if found, ok := b.find(w, r); ok {
		answer(w, http.StatusOK, found.Bucket)
	}
}

func (b *buckets) list(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	entries, err := os.ReadDir(b.folder)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	items := []document{}
	for _, entry := range entries {
		name, err := url.PathUnescape(strings.TrimSuffix(entry.Name(), ".json"))
		if err != nil || filepath.Ext(entry.Name()) != ".json" || !strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
			continue
		}
		found, exists, err := readRecord(b.folder, name)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "backendError", err.Error())
			return
		}
		if exists {
			items = append(items, found.Bucket)
		}
	}
	answer(w, http.StatusOK, document{"kind": "storage#buckets", "items": items})
}

func (b *buckets) patch(w http.ResponseWriter, r *http.Request) {
	b.change(w, r, merge)
}

func (b *buckets) update(w http.ResponseWriter, r *http.Request) {
	b.change(w, r, func(old, wanted document) document {
		kept := document{"name": old["name"], "location": old["location"]}
		for _, field := range outputOnly {
			kept[field] = old[field]
		}
		return merge(withDefaults(wanted), kept)
	})
}

func (b *buckets) change(w http.ResponseWriter, r *http.Request, apply func(old, wanted document) document) {
	wanted, ok := readDocument(w, r)
	if !ok {
		return
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	found, ok := b.find(w, r)
	if !ok {
		return
	}
	metageneration, _ := found.Bucket["metageneration"].(string)
	if asked := r.URL.Query().Get("ifMetagenerationMatch"); asked != "" && asked != metageneration {
		refuse(w, http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
		return
	}
	count, err := strconv.Atoi(metageneration)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	bucket := apply(found.Bucket, without(wanted, append([]string{"name", "location"}, outputOnly...)))
	normalize(bucket)
	bucket["metageneration"], bucket["etag"] = strconv.Itoa(count+1), etag(count+1)
	bucket["updated"] = time.Now().UTC().Format(time.RFC3339Nano)
	b.save(w, r.PathValue("bucket"), record{bucket, found.Policy})
}

func (b *buckets) remove(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	name := r.PathValue("bucket")
	if _, ok := b.find(w, r); !ok {
		return
	}
	switch removed := b.inner(http.MethodDelete, "/storage/v1/b/"+url.PathEscape(name), nil); removed.Code {
	case http.StatusOK, http.StatusNoContent, http.StatusNotFound:
	case http.StatusPreconditionFailed:
		refuse(w, http.StatusConflict, "conflict", "The bucket you tried to delete is not empty.")
		return
	default:
		copyAnswer(w, removed)
		return
	}
	if err := os.Remove(recordPath(b.folder, name)); err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *buckets) find(w http.ResponseWriter, r *http.Request) (record, bool) {
	found, exists, err := readRecord(b.folder, r.PathValue("bucket"))
	if err != nil || !exists {
		refuseUnless(w, err, http.StatusNotFound, "notFound", "The specified bucket does not exist.")
		return record{}, false
	}
	return found, true
}

func (b *buckets) save(w http.ResponseWriter, name string, r record) {
	if err := writeRecord(b.folder, name, r); err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	answer(w, http.StatusOK, r.Bucket)
}

func (b *buckets) inner(method, path string, body document) *httptest.ResponseRecorder {
	content, _ := json.Marshal(body)
	request := httptest.NewRequest(method, path, bytes.NewReader(content))
	request.Header.Set("Content-Type", "application/json")
	response := httptest.NewRecorder()
	b.objects.ServeHTTP(response, request)
	return response
}

func copyAnswer(w http.ResponseWriter, from *httptest.ResponseRecorder) {
	for name, values := range from.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(from.Code)
	_, _ = from.Body.WriteTo(w)
}

func readDocument(w http.ResponseWriter, r *http.Request) (document, bool) {
	var body document
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, "parseError", err.Error())
		return nil, false
	}
	return body, true
}

func refuseUnless(w http.ResponseWriter, err error, status int, reason, message string) {
	if err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	refuse(w, status, reason, message)
}

func without(from document, fields []string) document {
	rest := document{}
	for name, value := range from {
		if !slices.Contains(fields, name) {
			rest[name] = value
		}
	}
	return rest
}
