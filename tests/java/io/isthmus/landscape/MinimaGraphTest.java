package io.isthmus.landscape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.engine.Metrics;
import io.isthmus.neb.Pair;
import java.util.List;
import org.junit.jupiter.api.Test;

class MinimaGraphTest {
  private static final Metrics METRICS = new Metrics(0.5, 0.1);
  private final MinimaGraph graph =
      MinimaGraph.of(
          List.of(
              new Minimum(3, METRICS, METRICS),
              new Minimum(1, METRICS, METRICS),
              new Minimum(2, METRICS, METRICS)));

  @Test
  void knowsTheStateOfEveryPair() {
    MinimaGraph later = graph.withPath(new Pair(1, 3), 2).withFailure(new Pair(2, 3));

    assertThat(later.state(new Pair(1, 3))).isEqualTo(PairState.KNOWN);
    assertThat(later.state(new Pair(2, 3))).isEqualTo(PairState.FAILED);
    assertThat(later.untried()).containsExactly(new Pair(1, 2));
    assertThat(later.tried()).isEqualTo(2);
    assertThat(graph.tried()).isZero();
  }

  @Test
  void aLaterResultReplacesAFormerOne() {
    MinimaGraph failed = graph.withPath(new Pair(1, 3), 2).withFailure(new Pair(1, 3));
    assertThat(failed.edges()).isEmpty();
    assertThat(failed.tried()).isEqualTo(1);

    MinimaGraph again = failed.withPath(new Pair(1, 3), 4);
    assertThat(again.edges()).containsExactly(new Edge(new Pair(1, 3), 4));
    assertThat(again.failures()).isEmpty();
  }

  @Test
  void ofEqualMinimaTheFirstIsTheLowest() {
    assertThat(graph.lowest().number()).isEqualTo(1);
  }

  @Test
  void refusesWhatIsNotThere() {
    assertThatThrownBy(() -> graph.withPath(new Pair(1, 4), 2)).hasMessage("There is no minimum 4");
    assertThatThrownBy(() -> graph.withPath(new Pair(1, 2), Double.NaN))
        .hasMessageContaining("0001-0002 is not finite");
    assertThatThrownBy(
            () ->
                MinimaGraph.of(
                    List.of(new Minimum(1, METRICS, METRICS), new Minimum(1, METRICS, METRICS))))
        .hasMessage("Two minima have number 1");
    assertThatThrownBy(() -> new Minimum(1, new Metrics(Double.NaN, 0), METRICS))
        .hasMessageContaining("finite training loss");
  }
}
