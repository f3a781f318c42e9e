import java.io.BufferedInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads zip files as TorchServe does (ZipUtils.java): as streams. Prints file, name, size and sha256 of each entry, each in base64. */
class ZipStream {
    public static void main(String[] args) throws Exception {
        boolean headersOnly = args[0].equals("--headers");
        for (int i = headersOnly ? 1 : 0; i < args.length; i++) {
            try (InputStream file = new BufferedInputStream(Files.newInputStream(Path.of(args[i]))); ZipInputStream zip = new ZipInputStream(file)) {
                ZipEntry entry;
                while ((entry = zip.getNextEntry()) != null) {
                    MessageDigest digest = MessageDigest.getInstance("SHA-256");
                    if (!headersOnly) {
                        new DigestInputStream(zip, digest).transferTo(java.io.OutputStream.nullOutputStream());
                    }
                    print(args[i], entry.getName(), Long.toString(entry.getSize()), HexFormat.of().formatHex(digest.digest()));
                    if (headersOnly) {
                        break;
                    }
                }
            }
        }
    }

    private static void print(String... fields) {
        StringBuilder line = new StringBuilder();
        for (String field : fields) {
            line.append(Base64.getEncoder().encodeToString(field.getBytes(StandardCharsets.UTF_8))).append('\t');
        }
        System.out.println(line);
    }
}
