package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/xattr"
)

// api is a store on a folder, asked as a client would.
type api struct {
	t      *testing.T
	url    string
	folder string
}

func start(t *testing.T, folder string) *api {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	store, err := newStore(folder, listener.Addr().String(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(store)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return &api{t, server.URL, folder}
}

func withBucket(t *testing.T) *api {
	t.Helper()
	a := start(t, t.TempDir())
	a.want(http.StatusOK, "POST", "/storage/v1/b?project=p", `{"name":"models","location":"us-central1"}`)
	return a
}

func (a *api) send(method, path, body string, headers ...string) *http.Response {
	a.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = a.url + path
	}
	request, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func (a *api) want(status int, method, path, body string, headers ...string) document {
	a.t.Helper()
	response := a.send(method, path, body, headers...)
	content, _ := io.ReadAll(response.Body)
	if response.StatusCode != status {
		a.t.Fatalf("%s %s answered %d, want %d: %s", method, path, response.StatusCode, status, content)
	}
	var answer document
	_ = json.Unmarshal(content, &answer)
	return answer
}

func (a *api) content(object string) string {
	a.t.Helper()
	response := a.send("GET", "/storage/v1/b/models/o/"+object+"?alt=media", "")
	content, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return ""
	}
	return string(content)
}

func (a *api) names() []string {
	a.t.Helper()
	var names []string
	items, _ := a.want(http.StatusOK, "GET", "/storage/v1/b/models/o", "")["items"].([]any)
	for _, item := range items {
		names = append(names, item.(document)["name"].(string))
	}
	return names
}

func same(t *testing.T, what string, found any, want string) {
	t.Helper()
	text, _ := json.Marshal(found)
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if string(text) != compact.String() {
		t.Errorf("%s is %s, want %s", what, text, compact.String())
	}
}

func TestABucketIsKeptAsItWasInsertedAlsoOverARestart(t *testing.T) {
	folder := t.TempDir()
	a := start(t, folder)
	a.want(http.StatusOK, "POST", "/storage/v1/b?project=p", `{
		"name": "models", "location": "us-central1", "storageClass": "NEARLINE", "labels": {"stack": "dev"},
		"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}, "publicAccessPrevention": "enforced"},
		"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"numNewerVersions": 3}}]},
		"softDeletePolicy": {"retentionDurationSeconds": "604800"}, "versioning": {"enabled": true},
		"encryption": {"defaultKmsKeyName": "projects/p/key"}, "timeCreated": "1999-01-01T00:00:00Z"
	}`)
	for _, each := range []*api{a, start(t, folder)} {
		bucket := each.want(http.StatusOK, "GET", "/storage/v1/b/models", "")
		same(t, "location", bucket["location"], `"US-CENTRAL1"`)
		same(t, "locationType", bucket["locationType"], `"region"`)
		same(t, "storageClass", bucket["storageClass"], `"NEARLINE"`)
		same(t, "labels", bucket["labels"], `{"stack":"dev"}`)
		same(t, "uniform access", bucket["iamConfiguration"].(document)["uniformBucketLevelAccess"], `{"enabled":true}`)
		same(t, "public access", bucket["iamConfiguration"].(document)["publicAccessPrevention"], `"enforced"`)
		same(t, "lifecycle", bucket["lifecycle"], `{"rule":[{"action":{"type":"Delete"},"condition":{"numNewerVersions":3}}]}`)
		same(t, "versioning", bucket["versioning"], `{"enabled":true}`)
		same(t, "encryption", bucket["encryption"], `{"defaultKmsKeyName":"projects/p/key"}`)
		if bucket["timeCreated"] == "1999-01-01T00:00:00Z" {
			t.Error("a client must not choose when the bucket was made")
		}
	}
}

func TestAPatchMergesAndNullRemoves(t *testing.T) {
	a := withBucket(t)
	a.want(http.StatusOK, "PATCH", "/storage/v1/b/models", `{"labels":{"a":"1","b":"2"},"location":"EU"}`)
	changed := a.want(http.StatusOK, "PATCH", "/storage/v1/b/models",
		`{"labels":{"a":null},"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}}`)
	same(t, "labels", changed["labels"], `{"b":"2"}`)
	same(t, "location", changed["location"], `"US-CENTRAL1"`)
	same(t, "public access", changed["iamConfiguration"].(document)["publicAccessPrevention"], `"inherited"`)
	same(t, "the field's older name", changed["iamConfiguration"].(document)["bucketPolicyOnly"], `{"enabled":true}`)
	same(t, "metageneration", changed["metageneration"], `"3"`)
	a.want(http.StatusPreconditionFailed, "PATCH", "/storage/v1/b/models?ifMetagenerationMatch=1", `{}`)
}

func TestABucketIsMadeOnceAndRemovedOnlyWhenEmpty(t *testing.T) {
	a := withBucket(t)
	a.want(http.StatusConflict, "POST", "/storage/v1/b?project=p", `{"name":"models"}`)
	a.want(http.StatusBadRequest, "POST", "/storage/v1/b?project=p", `{"name":"No Such Name"}`)
	a.want(http.StatusOK, "POST", "/upload/storage/v1/b/models/o?uploadType=media&name=x", "1")
	a.want(http.StatusConflict, "DELETE", "/storage/v1/b/models", "")
	a.want(http.StatusOK, "DELETE", "/storage/v1/b/models/o/x", "")
	a.want(http.StatusNoContent, "DELETE", "/storage/v1/b/models", "")
	a.want(http.StatusNotFound, "GET", "/storage/v1/b/models", "")
	a.want(http.StatusNotFound, "DELETE", "/storage/v1/b/models", "")
	same(t, "the list", a.want(http.StatusOK, "GET", "/storage/v1/b?project=p", "")["items"], `[]`)
	a.want(http.StatusOK, "POST", "/storage/v1/b?project=p", `{"name":"models"}`)
}

func TestAPolicyIsAnsweredAsItWasSetAndStaleOnesAreRefused(t *testing.T) {
	a := withBucket(t)
	first := a.want(http.StatusOK, "GET", "/storage/v1/b/models/iam", "")
	same(t, "a new bucket's bindings", first["bindings"], `[]`)
	binding := `[{"members":["serviceAccount:s@p.iam.gserviceaccount.com"],"role":"roles/storage.objectViewer"}]`
	body := `{"etag":"` + first["etag"].(string) + `","bindings":` + binding + `}`
	a.want(http.StatusOK, "PUT", "/storage/v1/b/models/iam", body)
	second := a.want(http.StatusOK, "GET", "/storage/v1/b/models/iam?optionsRequestedPolicyVersion=3", "")
	same(t, "bindings", second["bindings"], binding)
	if first["etag"] == second["etag"] {
		t.Error("a change must give a new etag")
	}
	a.want(http.StatusPreconditionFailed, "PUT", "/storage/v1/b/models/iam", body)
	granted := a.want(http.StatusOK, "GET", "/storage/v1/b/models/iam/testPermissions?permissions=storage.objects.get", "")
	same(t, "permissions", granted["permissions"], `["storage.objects.get"]`)
	a.want(http.StatusNotFound, "GET", "/storage/v1/b/none/iam", "")
}

const boundary = "\r\n--B--\r\n"

func multipartBody(metadata, content string) string {
	return "--B\r\nContent-Type: application/json\r\n\r\n" + metadata + "\r\n--B\r\nContent-Type: text/plain\r\n\r\n" + content + boundary
}

func TestAnObjectThatMustBeNewIsNeverOverwrittenByAnyKindOfUpload(t *testing.T) {
	upload := "/upload/storage/v1/b/models/o?ifGenerationMatch=0&uploadType="
	for kind, send := range map[string]func(a *api, status int, content string){
		"media": func(a *api, status int, content string) { a.want(status, "POST", upload+"media&name=x", content) },
		"multipart": func(a *api, status int, content string) {
			a.want(status, "POST", upload+"multipart", multipartBody(`{"name":"x"}`, content), "Content-Type", "multipart/related; boundary=B")
		},
		"resumable": func(a *api, status int, content string) {
			started := a.send("POST", upload+"resumable&name=x", `{}`)
			a.want(status, "PUT", started.Header.Get("Location"), content)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			a := withBucket(t)
			send(a, http.StatusOK, "first")
			send(a, http.StatusPreconditionFailed, "second")
			if a.content("x") != "first" {
				t.Errorf("the object holds %q", a.content("x"))
			}
		})
	}
}

func TestAResumableUploadTakesItsNameFromTheBody(t *testing.T) {
	a := withBucket(t)
	started := a.send("POST", "/upload/storage/v1/b/models/o?uploadType=resumable", `{"bucket":"models","name":"a/b c.mar","metadata":{"k":"v"}}`)
	a.want(http.StatusOK, "PUT", started.Header.Get("Location"), "content", "Content-Range", "bytes 0-6/7")
	if a.content("a%2Fb%20c.mar") != "content" {
		t.Error("the object is not found by its name")
	}
	same(t, "metadata", a.want(http.StatusOK, "GET", "/storage/v1/b/models/o/a%2Fb%20c.mar", "")["metadata"], `{"k":"v"}`)
}

func TestABrokenUploadIsInvisibleAndGoesOnWhereItEndedAlsoOverARestart(t *testing.T) {
	a := withBucket(t)
	location := a.send("POST", "/upload/storage/v1/b/models/o?uploadType=resumable&name=x", `{}`).Header.Get("Location")
	a.want(http.StatusPermanentRedirect, "PUT", location, "01234", "Content-Range", "bytes 0-4/10")
	if found := a.names(); len(found) != 0 {
		t.Errorf("half an upload is visible: %v", found)
	}
	again := start(t, a.folder)
	location = strings.Replace(location, a.url, again.url, 1)
	asked := again.send("PUT", location, "", "Content-Range", "bytes */10")
	if asked.StatusCode != http.StatusPermanentRedirect || asked.Header.Get("Range") != "bytes=0-4" {
		t.Fatalf("asked for progress it says %d %q", asked.StatusCode, asked.Header.Get("Range"))
	}
	again.want(http.StatusBadRequest, "PUT", location, "89", "Content-Range", "bytes 8-9/10")
	// Some bytes a second time, as from a client that did not see the last answer.
	again.want(http.StatusOK, "PUT", location, "3456789", "Content-Range", "bytes 3-9/10")
	if again.content("x") != "0123456789" {
		t.Errorf("the object holds %q", again.content("x"))
	}
	again.want(http.StatusNotFound, "PUT", location, "", "Content-Range", "bytes */*")
	if left, _ := filepath.Glob(filepath.Join(a.folder, "uploads", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFaultFailsTheUploadThatItNamesAndNoOther(t *testing.T) {
	a := withBucket(t)
	a.want(http.StatusOK, "POST", "/_sandbox/faults", `{"afterUploads":1,"status":403,"times":1}`)
	put := func(status int, name string) {
		a.want(status, "POST", "/upload/storage/v1/b/models/o?uploadType=media&name="+name, "1")
	}
	put(http.StatusOK, "first")
	put(http.StatusForbidden, "second")
	put(http.StatusOK, "third")
	same(t, "objects", a.names(), `["first","third"]`)
	a.want(http.StatusOK, "POST", "/_sandbox/faults", `{"times":5}`)
	put(http.StatusServiceUnavailable, "fourth")
	a.want(http.StatusOK, "DELETE", "/_sandbox/faults", "")
	put(http.StatusOK, "fourth")
	a.want(http.StatusBadRequest, "POST", "/_sandbox/faults", `{"status":200}`)
}

func TestAnObjectWhoseMetadataWasNotWrittenIsRemovedAtTheStart(t *testing.T) {
	a := withBucket(t)
	a.want(http.StatusOK, "POST", "/upload/storage/v1/b/models/o?uploadType=media&name=a/whole", "1")
	half := filepath.Join(a.folder, "objects", "models", "a", "half")
	if err := os.WriteFile(half, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := xattr.Get(half, metadataAttribute); err == nil {
		t.Fatal("the file must not have metadata")
	}
	same(t, "objects after a restart", start(t, a.folder).names(), `["a/whole"]`)
}

func TestContentRangesAreReadAsTheProtocolHasThem(t *testing.T) {
	for header, want := range map[string]contentRange{
		"":             {hasBytes: true, openEnd: true, total: -1},
		"bytes 0-4/10": {hasBytes: true, total: 10},
		"bytes 5-9/*":  {hasBytes: true, start: 5, total: -1},
		"bytes 5-*/10": {hasBytes: true, start: 5, openEnd: true, total: 10},
		"bytes 0-*/*":  {hasBytes: true, openEnd: true, total: -1},
		"bytes */10":   {total: 10},
		"bytes */*":    {total: -1},
	} {
		if found, err := parseRange(header); err != nil || found != want {
			t.Errorf("%q is %+v (%v), want %+v", header, found, err, want)
		}
	}
	for _, header := range []string{"bytes", "bytes 0-4", "items 0-4/5", "bytes a-4/5", "bytes -4/5"} {
		if _, err := parseRange(header); err == nil {
			t.Errorf("%q was read", header)
		}
	}
}
