package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/xattr"
)

// How fake-gcs-server keeps an object's metadata: as an extended attribute where the file system has them, else in a file beside it.
// Source: internal/backend/metadata_xattr.go and metadata_file.go of fake-gcs-server 1.56.
const (
	metadataAttribute = "user.metadata"
	metadataSuffix    = ".metadata"
)

// removeHalfWritten removes objects whose metadata is missing. fake-gcs-server writes the content first; killed between the two it
// could never list the bucket again.
func removeHalfWritten(objects string) error {
	return filepath.WalkDir(objects, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || filepath.Dir(path) == objects {
			return err
		}
		whole, err := hasMetadata(path)
		if err != nil || whole {
			return err
		}
		return os.Remove(path)
	})
}

func hasMetadata(path string) (bool, error) {
	if strings.HasSuffix(path, metadataSuffix) {
		return true, nil
	}
	if _, err := xattr.Get(path, metadataAttribute); err == nil {
		return true, nil
	}
	_, err := os.Stat(path + metadataSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
