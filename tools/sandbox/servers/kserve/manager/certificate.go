package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/util/cert"
)

// The name that the API server expects of the webhook: its Service's.
const webhookHost = "kserve-webhook-server-service.kserve.svc"

// ensureCertificate makes what cert-manager makes in a cluster.
func ensureCertificate(folder string) error {
	certificate, key := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	_, err := os.Stat(certificate)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	certificatePEM, keyPEM, err := cert.GenerateSelfSignedCertKey(webhookHost, nil, nil)
	if err != nil {
		return err
	}
	// The certificate comes last and appears whole: whoever sees it may use both.
	return errors.Join(
		os.MkdirAll(folder, 0o700),
		os.WriteFile(key, keyPEM, 0o600),
		os.WriteFile(certificate+".new", certificatePEM, 0o600),
		os.Rename(certificate+".new", certificate),
	)
}
