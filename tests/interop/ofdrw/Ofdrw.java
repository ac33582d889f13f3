import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.converter.ImageMaker;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.sign.OFDSigner;
import org.ofdrw.sign.SignMode;
import org.ofdrw.sign.StandFormatAtomicSignID;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.stamppos.NormalStampPos;
import org.ofdrw.sign.verify.OFDValidator;
import org.ofdrw.sign.verify.container.SESV4ValidateContainer;

/**
 * ofdrw on the command line.
 *
 * verify FILE                          "valid" and exit code 0, or why not and 1
 * sign IN SEAL KEY CERTIFICATE OUT     a v4 seal is put on, 40 x 40 mm, on the first page
 * render FILE PAGE OUT.png             a page, counted from 1, at 10 dots a millimetre
 * bench FILE IN SEAL KEY CERTIFICATE   one thread: for each line "verify SECONDS" or "sign SECONDS" of standard input
 *                                      a line "N S", operations and seconds
 *
 * KEY: PKCS#8 in PEM. CERTIFICATE: PEM.
 */
public final class Ofdrw {
    public static void main(String[] a) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        switch (a[0]) {
            case "verify" -> System.exit(verified(a[1]) ? 0 : 1);
            case "sign" -> {
                byte[] signed = sign(Files.readAllBytes(Path.of(a[1])), seal(a[2]), key(a[3]), certificate(a[4]));
                Files.write(Path.of(a[5]), signed);
            }
            case "render" -> render(a[1], Integer.parseInt(a[2]), a[3]);
            case "bench" -> bench(Arrays.copyOfRange(a, 1, a.length));
            default -> throw new IllegalArgumentException(a[0]);
        }
    }

    private static boolean verified(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            verify(in);
            System.out.println("valid");
            return true;
        } catch (org.ofdrw.sign.verify.exceptions.OFDVerifyException e) {
            System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
            return false;
        }
    }

    private static void verify(InputStream in) throws Exception {
        try (OFDReader reader = new OFDReader(in); OFDValidator validator = new OFDValidator(reader)) {
            validator.setValidator(new SESV4ValidateContainer());
            validator.exeValidate();
        }
    }

    private static byte[] sign(byte[] document, SESeal seal, PrivateKey key, Certificate certificate) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OFDReader reader = new OFDReader(new ByteArrayInputStream(document));
                OFDSigner signer = new OFDSigner(reader, out, new StandFormatAtomicSignID())) {
            signer.setSignMode(SignMode.ContinueSign);
            signer.setSignContainer(new SESV4Container(key, seal, certificate));
            signer.addApPos(new NormalStampPos(1, 140, 200, 40, 40));
            signer.exeSign();
        }
        return out.toByteArray();
    }

    private static void render(String file, int page, String out) throws Exception {
        try (OFDReader reader = new OFDReader(Path.of(file)); OutputStream to = Files.newOutputStream(Path.of(out))) {
            ImageIO.write(new ImageMaker(reader, 10).makePage(page - 1), "PNG", to);
        }
    }

    private interface Operation {
        void run() throws Exception;
    }

    private static void bench(String[] a) throws Exception {
        byte[] signed = Files.readAllBytes(Path.of(a[0]));
        byte[] blank = Files.readAllBytes(Path.of(a[1]));
        SESeal seal = seal(a[2]);
        PrivateKey key = key(a[3]);
        Certificate certificate = certificate(a[4]);
        java.io.BufferedReader lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            measure(Double.parseDouble(words[1]), words[0].equals("verify")
                    ? () -> verify(new ByteArrayInputStream(signed))
                    : () -> sign(blank, seal, key, certificate));
        }
    }

    private static void measure(double seconds, Operation operation) throws Exception {
        long from = System.nanoTime();
        long operations = 0;
        double taken;
        do {
            operation.run();
            operations++;
            taken = (System.nanoTime() - from) / 1e9;
        } while (taken < seconds);
        System.out.printf(java.util.Locale.ROOT, "%d %.6f%n", operations, taken);
    }

    private static SESeal seal(String file) throws Exception {
        return SESeal.getInstance(Files.readAllBytes(Path.of(file)));
    }

    private static PrivateKey key(String file) throws Exception {
        String text = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        byte[] der = Base64.getDecoder().decode(text);
        return KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    private static Certificate certificate(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509", "BC").generateCertificate(in);
        }
    }
}
