package io.isthmus.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.neb.Pair;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Figures asked for by number and by name, of one run and of several, with and without data. */
class GalleryTest {
  private static Subject subject(String folder, RunSummary run) {
    return new Subject(Path.of("runs", folder), run, Optional.empty());
  }

  private static Subject pair(int from, int to) {
    return new Subject(Path.of("runs/a"), HandRun.run(), Optional.of(new Pair(from, to)));
  }

  private static List<String> names(String asked, Subject... subjects) {
    return Gallery.draw(asked, List.of(subjects)).figures().stream().map(Figure::name).toList();
  }

  @Test
  void every_figure_has_a_name_of_its_own_that_is_no_number() {
    assertThat(Gallery.entries()).extracting(Gallery.Entry::name).doesNotHaveDuplicates();
    assertThat(Gallery.entries())
        .allSatisfy(entry -> assertThat(entry.name()).matches("[a-z]+(-[a-z]+)*"))
        .allSatisfy(entry -> assertThat(entry.shows()).isNotBlank());
  }

  @Test
  void a_pair_is_the_one_asked_for_or_that_of_the_highest_saddle_of_the_tree() {
    assertThat(names("1", subject("a", HandRun.run()))).containsExactly("profile-2-3");
    assertThat(names("profile", pair(1, 2))).containsExactly("profile-1-2");
  }

  @Test
  void figures_of_several_runs_are_told_apart_by_their_folders() {
    assertThat(names("disconnectivity", subject("a", HandRun.run()), subject("b/c", HandRun.run())))
        .containsExactly("a-disconnectivity", "c-disconnectivity");
  }

  @Test
  void what_a_run_lacks_is_a_sentence_with_the_command_that_makes_it() {
    RunSummary young = HandRun.with(HandRun.MINIMA, List.of());
    assertThatThrownBy(() -> names("1", subject("a", young)))
        .isInstanceOfSatisfying(
            IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.DATA))
        .hasMessage("runs/a has no path yet; 'isthmus explore runs/a' makes them.");
    RunSummary two = HandRun.with(HandRun.MINIMA, HandRun.run().connections().subList(0, 1));
    Subject untried = new Subject(Path.of("runs/a"), two, Optional.of(new Pair(1, 2)));
    assertThatThrownBy(() -> names("1", untried))
        .hasMessageContaining("'isthmus connect runs/a 1 2'");
    RunSummary empty = HandRun.with(List.of(), List.of());
    for (Gallery.Entry entry : Gallery.entries()) {
      assertThatThrownBy(() -> names(entry.name(), subject("a", empty)))
          .as(entry.name())
          .isInstanceOf(Missing.class)
          .hasMessageMatching("(?s).*runs/a.*'isthmus .*");
    }
  }

  @Test
  void a_figure_or_minimum_that_does_not_exist_is_a_mistake_of_the_command_line() {
    for (String wrong : List.of("0", "9", "", "01", "profle")) {
      assertThatThrownBy(() -> names(wrong, subject("a", HandRun.run())))
          .isInstanceOfSatisfying(
              IsthmusException.class, e -> assertThat(e.code()).isEqualTo(ExitCode.USAGE))
          .hasMessageStartingWith("there is no figure " + wrong)
          .hasMessageContaining("1 (profile)");
    }
    assertThatThrownBy(() -> names("profle", subject("a", HandRun.run())))
        .hasMessageContaining("did you mean profile?");
    assertThatThrownBy(() -> names("1", pair(1, 9)))
        .hasMessage("runs/a has no minimum 9; there are 1, 2, 3.");
  }
}
