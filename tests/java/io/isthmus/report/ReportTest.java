package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What lies in the folder of a run after its report. */
class ReportTest {
  @TempDir Path folder;

  @Test
  void every_table_every_figure_with_its_data_and_the_page_are_written() throws IOException {
    Path page = Report.write(HandRun.run(), folder);
    assertThat(page).isEqualTo(folder.resolve("report.html")).isNotEmptyFile();
    assertThat(files("tables"))
        .containsExactly("table.csv", "table.json", "table.md", "table.tex", "table.txt");
    assertThat(files("figures")).hasSize(3 * Report.figures(HandRun.run()).size());
    for (Figure figure : Report.figures(HandRun.run())) {
      for (String ending : List.of(".svg", ".png", ".csv")) {
        assertThat(folder.resolve("figures").resolve(figure.name() + ending)).isNotEmptyFile();
      }
    }
  }

  @Test
  void writing_again_changes_no_byte_and_leaves_nothing_behind() throws IOException {
    Report.write(SampleRun.stopped(4, 2), folder);
    List<String> names = files("figures");
    byte[] png = Files.readAllBytes(folder.resolve("figures/graph.png"));
    byte[] page = Files.readAllBytes(folder.resolve("report.html"));
    Report.write(SampleRun.stopped(4, 2), folder);
    assertThat(files("figures")).isEqualTo(names).noneMatch(name -> name.endsWith(".tmp"));
    assertThat(folder.resolve("figures/graph.png")).hasBinaryContent(png);
    assertThat(folder.resolve("report.html")).hasBinaryContent(page);
  }

  @Test
  void an_empty_run_has_a_page_too() {
    assertThat(Report.write(HandRun.with(List.of(), List.of()), folder))
        .content()
        .contains("No minimum is trained yet.");
  }

  @Test
  void a_folder_that_cannot_be_written_is_one_sentence() throws IOException {
    Path file = Files.writeString(folder.resolve("taken"), "a file");
    assertThatThrownBy(() -> Report.write(HandRun.run(), file))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.IO))
        .hasMessageStartingWith("Cannot write " + file.resolve("tables").resolve("table.txt"))
        .hasMessageEndingWith("a part of its path is a file; check the path.");
  }

  private List<String> files(String inside) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(inside))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
