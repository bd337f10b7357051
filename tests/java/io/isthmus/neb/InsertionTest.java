package io.isthmus.neb;

import static io.isthmus.config.StatisticsConvention.INTERPOLATED;
import static io.isthmus.config.StatisticsConvention.RECOMPUTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.isthmus.config.InsertionConfig;
import io.isthmus.engine.Metrics;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class InsertionTest {
  private static final InsertionConfig PAPER = new InsertionConfig(0.2, 0);
  private static final InsertionConfig OFFICIAL = new InsertionConfig(0.1, 2);

  // Three gaps of four; pivots 0, 1, 0.5, 0: span 1.
  private static Profile profile(double inFirst, double inSecond, double inThird) {
    return Profiles.of(
        4,
        0,
        0.25,
        0.5 + inFirst,
        0.75,
        1,
        0.875,
        0.75,
        0.625 + inSecond,
        0.5,
        0.375 + inThird,
        0.25,
        0.125,
        0);
  }

  private static List<Insertion> wanted(Profile profile, InsertionConfig config) {
    return Insertion.wanted(profile, RECOMPUTED, config);
  }

  @Test
  void aStraightProfileAsksForNothing() {
    assertThat(wanted(profile(0, 0, 0), PAPER)).isEmpty();
    assertThat(wanted(profile(0, 0, 0), new InsertionConfig(0, 0))).isEmpty();
  }

  @Test
  void goesToTheLargestExcessOfEveryGapThatReachesTheThreshold() {
    assertThat(wanted(profile(0.25, 0.125, 0.5), PAPER))
        .containsExactly(new Insertion(0, 0.5), new Insertion(2, 0.25));
    assertThat(wanted(profile(0.1875, 0.1875, 0.1875), PAPER)).isEmpty();
    assertThat(wanted(profile(0.25, 0, 0), new InsertionConfig(0.25, 0)))
        .containsExactly(new Insertion(0, 0.5));
  }

  @Test
  void aLossBelowTheLineIsNoReason() {
    assertThat(wanted(profile(-0.4, -0.4, -0.3), new InsertionConfig(0, 0))).isEmpty();
  }

  @Test
  void keepsTheLargestWhereTheirNumberIsLimitedInTheOrderOfTheGaps() {
    assertThat(wanted(profile(0.25, 0.5, 0.75), OFFICIAL))
        .containsExactly(new Insertion(1, 0.75), new Insertion(2, 0.25));
    assertThat(wanted(profile(0.75, 0.5, 0.25), OFFICIAL))
        .containsExactly(new Insertion(0, 0.5), new Insertion(1, 0.75));
  }

  @Test
  void ofEqualExcessesTheEarlierGapsRemain() {
    assertThat(wanted(profile(0.25, 0.25, 0.25), OFFICIAL))
        .containsExactly(new Insertion(0, 0.5), new Insertion(1, 0.75));
  }

  @Test
  void aBumpBetweenEquallyHighPivotsAlwaysCounts() {
    assertThat(wanted(Profiles.of(3, 1, 1, 1.001, 1), PAPER))
        .containsExactly(new Insertion(0, 2.0 / 3));
  }

  @Test
  void thereIsNoPlaceWithoutSamplesBetweenPivots() {
    assertThat(wanted(Profiles.of(1, 0, 5, 0), PAPER)).isEmpty();
  }

  @Test
  void looksAtTheConfiguredConventionOnly() {
    var samples = new ArrayList<Sample>();
    for (Sample sample : profile(0, 0, 0).samples()) {
      Metrics bumped = new Metrics(sample.pivot() < 0 ? 9 : 0, 0);
      samples.add(
          new Sample(
              sample.position(),
              sample.pivot(),
              sample.trainRecomputed(),
              sample.testRecomputed(),
              bumped,
              bumped));
    }
    Profile profile = new Profile(samples);

    assertThat(Insertion.wanted(profile, RECOMPUTED, PAPER)).isEmpty();
    assertThat(Insertion.wanted(profile, INTERPOLATED, PAPER)).hasSize(3);
  }

  @Test
  void liesInsideItsGap() {
    assertThatThrownBy(() -> new Insertion(0, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Insertion(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Insertion(-1, 0.5)).isInstanceOf(IllegalArgumentException.class);
  }
}
