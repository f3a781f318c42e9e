package main

import (
	"encoding/base64"
	"net/http"
	"strconv"
)

// A bucket's IAM policy: https://cloud.google.com/storage/docs/json_api/v1/buckets/setIamPolicy. It is kept as it was given; nothing
// enforces it here.

func (b *buckets) getPolicy(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if found, ok := b.find(w, r); ok {
		answer(w, http.StatusOK, found.Policy)
	}
}

func (b *buckets) setPolicy(w http.ResponseWriter, r *http.Request) {
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
	// A policy without an etag overwrites blindly; with one it must be the newest, or a concurrent change would be lost.
	if given, _ := wanted["etag"].(string); given != "" && given != found.Policy["etag"] {
		refuse(w, http.StatusPreconditionFailed, "conditionNotMet", "The policy has been changed since the etag given was read.")
		return
	}
	policy := document{"kind": found.Policy["kind"], "resourceId": found.Policy["resourceId"], "version": 1, "bindings": []any{}}
	policy = merge(policy, without(wanted, []string{"kind", "resourceId", "etag"}))
	policy["etag"] = etag(generationOf(found.Policy["etag"]) + 1)
	if err := writeRecord(b.folder, r.PathValue("bucket"), record{found.Bucket, policy}); err != nil {
		refuse(w, http.StatusInternalServerError, "backendError", err.Error())
		return
	}
	answer(w, http.StatusOK, policy)
}

// testPermissions grants all: there is one caller here, who owns everything.
func (b *buckets) testPermissions(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if _, ok := b.find(w, r); ok {
		answer(w, http.StatusOK, document{
			"kind": "storage#testIamPermissionsResponse", "permissions": r.URL.Query()["permissions"],
		})
	}
}

func generationOf(tag any) int {
	text, _ := tag.(string)
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return 0
	}
	generation, _ := strconv.Atoi(string(decoded))
	return generation
}
