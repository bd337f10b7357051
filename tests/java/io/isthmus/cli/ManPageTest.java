package io.isthmus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Manual pages, as roff that man can read. */
class ManPageTest {
  @TempDir Path folder;

  @Test
  void aPageNamesEveryOptionOfItsVerbAndTheExitCodes() {
    String page = Run.of("man", "man").out();
    assertThat(page)
        .startsWith(".TH \"ISTHMUS-MAN\" 1")
        .contains(
            ".SH SYNOPSIS", "\\fB\\-o, \\-\\-output DIR\\fR", ".SH EXIT STATUS", "\\fB75\\fR");
  }

  @Test
  void everyPageIsWrittenAndNoTextLineCanBeTakenForARequest() throws IOException {
    Run run = Run.of("man", "-o", folder.toString());
    assertThat(run.status()).isZero();
    try (Stream<Path> pages = Files.list(folder)) {
      List<Path> written = pages.sorted().toList();
      assertThat(run.out().lines().map(Path::of)).containsExactlyInAnyOrderElementsOf(written);
      assertThat(written).contains(folder.resolve("isthmus.1"), folder.resolve("isthmus-man.1"));
      for (Path page : written) {
        assertThat(Files.readAllLines(page))
            .allMatch(line -> !line.startsWith("'"))
            .allMatch(line -> !line.startsWith(".") || line.matches("\\.(TH|SH|TP|PP)( .*)?"));
      }
    }
  }
}
