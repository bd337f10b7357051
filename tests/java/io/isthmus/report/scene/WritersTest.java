package io.isthmus.report.scene;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;

/** SVG and PNG of the same scene. */
class WritersTest {
  private static final String HOSTILE = "<&>\"' \u0000\u001b\ud800 é ]]>";

  static Scene scene() {
    Drawing drawing = new Drawing();
    drawing.line(10, 10, 90, 10, new Stroke(Ink.SECONDARY, 4));
    drawing.line(10, 20, 90, 20, new Stroke(Ink.PRIMARY, 2, Stroke.DASHED));
    drawing.circle(20, 40, 8, Ink.INK, new Stroke(Ink.PAPER, 1));
    drawing.diamond(40, 40, 8, Ink.PRIMARY, null);
    drawing.triangle(60, 40, 8, null, new Stroke(Ink.TERTIARY, 1));
    drawing.note(HOSTILE, 50, 70, 12, Typeface.BOLD, Ink.INK, Mark.Anchor.MIDDLE);
    drawing.upward("up", 95, 50, 10, Typeface.REGULAR, Ink.MUTED);
    Drawing inner = new Drawing();
    inner.box(new Box(0, 80, 100, 20), Ink.PRIMARY, null);
    drawing.group(HOSTILE, HOSTILE, new Box(10, 80, 30, 15), inner);
    return drawing.scene(100, 100, HOSTILE);
  }

  @Test
  void svg_is_well_formed_whatever_the_texts_are() throws Exception {
    Document file = parse(SvgWriter.file(scene()));
    Element root = file.getDocumentElement();
    assertThat(root.getNamespaceURI()).isEqualTo("http://www.w3.org/2000/svg");
    assertThat(root.getAttribute("viewBox")).isEqualTo("0 0 100 100");
    assertThat(file.getElementsByTagName("text").item(0).getTextContent())
        .isEqualTo("<&>\"' \ufffd\ufffd\ufffd é ]]>");
    assertThat(file.getElementsByTagName("path").getLength()).isEqualTo(5);
    assertThat(file.getElementsByTagName("clipPath").getLength()).isEqualTo(1);
  }

  @Test
  void an_embedded_svg_takes_the_colours_of_its_page_and_names_no_address() throws Exception {
    String svg = SvgWriter.element(scene(), "x1-");
    Document element = parse(svg);
    assertThat(svg).doesNotContain("http").doesNotContain("#0b5fa5").contains("var(--primary)");
    Element group = (Element) element.getElementsByTagName("g").item(0);
    assertThat(group.getAttribute("clip-path")).isEqualTo("url(#x1-clip0)");
    assertThat(group.getAttribute("data-key")).startsWith("<&>");
  }

  @Test
  void a_line_is_interrupted_where_it_is_not_a_number() {
    Drawing drawing = new Drawing();
    drawing.polyline(
        new double[] {0, 1, 2, 3, 4, 5},
        new double[] {0, 1, Double.NaN, 3, 4, Double.POSITIVE_INFINITY},
        new Stroke(Ink.INK, 1));
    assertThat(drawing.scene(10, 10, "").marks()).hasSize(2);
  }

  @Test
  void png_shows_every_mark_at_its_place() throws IOException {
    BufferedImage image = image(PngWriter.write(scene(), 2));
    assertThat(image.getWidth()).isEqualTo(200);
    assertThat(rgb(image, 1, 1)).isEqualTo(Ink.PAPER.rgb());
    assertThat(rgb(image, 50, 10)).isEqualTo(Ink.SECONDARY.rgb());
    assertThat(rgb(image, 20, 40)).isEqualTo(Ink.INK.rgb());
    assertThat(rgb(image, 40, 40)).isEqualTo(Ink.PRIMARY.rgb());
    assertThat(rgb(image, 60, 40)).isEqualTo(Ink.PAPER.rgb());
    assertThat(rgb(image, 20, 90)).isEqualTo(Ink.PRIMARY.rgb());
    assertThat(rgb(image, 5, 90)).as("outside of the clip").isEqualTo(Ink.PAPER.rgb());
    assertThat(rgb(image, 20, 97)).as("outside of the clip").isEqualTo(Ink.PAPER.rgb());
    assertThat(dark(image, 0, 58, 100, 74)).as("text").isGreaterThan(200);
    assertThat(dark(image, 86, 40, 97, 60)).as("text that reads upwards").isGreaterThan(40);
  }

  @Test
  void the_same_scene_is_the_same_bytes() {
    assertThat(PngWriter.write(scene(), 2)).isEqualTo(PngWriter.write(scene(), 2));
  }

  @Test
  void no_font_of_the_machine_is_ever_looked_for(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("classes.log");
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Process process =
        new ProcessBuilder(
                java.toString(),
                "-Xlog:class+load:file=" + log,
                "-cp",
                classPath(PngWriter.class) + File.pathSeparator + classPath(Draw.class),
                Draw.class.getName())
            .inheritIO()
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    List<String> loaded = Files.readAllLines(log);
    assertThat(loaded).anyMatch(line -> line.contains("sun.java2d.SunGraphics2D"));
    assertThat(loaded)
        .noneMatch(line -> line.contains("FontManager") || line.contains("FontConfiguration"));
  }

  private static Path classPath(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** Draws in a virtual machine of its own. */
  static final class Draw {
    public static void main(String[] arguments) {
      PngWriter.write(scene(), 1);
    }
  }

  private static int rgb(BufferedImage image, double x, double y) {
    return image.getRGB((int) (2 * x), (int) (2 * y)) & 0xffffff;
  }

  private static int dark(BufferedImage image, int left, int top, int right, int bottom) {
    int count = 0;
    for (int y = 2 * top; y < 2 * bottom; y++) {
      for (int x = 2 * left; x < 2 * right; x++) {
        count += (image.getRGB(x, y) & 0xff) < 0xa0 ? 1 : 0;
      }
    }
    return count;
  }

  private static BufferedImage image(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  private static Document parse(String xml) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    return factory.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
  }
}
