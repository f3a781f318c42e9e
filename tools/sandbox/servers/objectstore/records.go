package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// document is a JSON object whose fields are kept as they came.
type document = map[string]any

// record is all that is kept of a bucket, in one file, so that it is written whole or not at all.
type record struct {
	Bucket document `json:"bucket"`
	Policy document `json:"policy"`
}

func recordPath(folder, bucket string) string {
	return filepath.Join(folder, url.PathEscape(bucket)+".json")
}

// readRecord gives false for a bucket that does not exist.
func readRecord(folder, bucket string) (record, bool, error) {
	content, err := os.ReadFile(recordPath(folder, bucket))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, err
	}
	var found record
	err = json.Unmarshal(content, &found)
	return found, err == nil, err
}

func writeRecord(folder, bucket string, r record) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(recordPath(folder, bucket), content, 0o600)
}

// merge is JSON merge patch (RFC 7396), which is what PATCH means in the JSON API: null removes, objects merge, all else replaces.
func merge(into, patch document) document {
	result := document{}
	for name, value := range into {
		result[name] = value
	}
	for name, value := range patch {
		if value == nil {
			delete(result, name)
			continue
		}
		if nested, isDocument := value.(document); isDocument {
			old, _ := result[name].(document)
			result[name] = merge(old, nested)
			continue
		}
		result[name] = value
	}
	return result
}
