package io.isthmus.config;

import static io.isthmus.config.InvalidSetting.atLeast;
import static io.isthmus.config.InvalidSetting.fraction;
import static io.isthmus.config.InvalidSetting.positive;
import static io.isthmus.config.InvalidSetting.present;
import static io.isthmus.config.InvalidSetting.require;

import java.util.List;

/**
 * How minima are connected by AutoNEB and which pair comes next.
 *
 * @param preset what filled the settings that were left open, in training and evaluation too
 * @param batch images per pivot and step
 * @param initialPivots inner pivots of the first, straight path
 * @param spacing target distances between pivots
 * @param tangent of the path at a pivot
 * @param geometry coordinates over which distances, tangents and decay are taken
 * @param spring infinity: string method; finite: spring constant of classic NEB
 * @param momentum 0 &lt;= momentum &lt; 1
 * @param nesterov Nesterov's form of momentum
 * @param weightDecay on every coordinate of {@code geometry}
 * @param insertion when pivots are added
 * @param cycles the schedule
 * @param pairValue which cycle gives the pair's saddle
 * @param statistics batch-norm convention by which saddles are compared
 * @param tolerance stop once the saddles of the spanning tree differ by no more than this fraction
 *     of the highest; 0: never
 * @param maxPairs stop after so many pairs; 0: no budget
 */
public record ExplorationConfig(
    Preset preset,
    int batch,
    int initialPivots,
    Spacing spacing,
    Tangent tangent,
    Geometry geometry,
    float spring,
    float momentum,
    boolean nesterov,
    float weightDecay,
    InsertionConfig insertion,
    List<CycleConfig> cycles,
    PairValue pairValue,
    StatisticsConvention statistics,
    double tolerance,
    int maxPairs) {

  /** Checks each value and that they go together. */
  public ExplorationConfig {
    present(preset, "preset");
    atLeast(1, batch, "exploration.batch");
    atLeast(1, initialPivots, "exploration.initial_pivots");
    present(spacing, "exploration.spacing");
    present(tangent, "exploration.tangent");
    present(geometry, "exploration.geometry");
    require(spring >= 0, "exploration.spring", "must be at least 0 or inf, but is " + spring);
    fraction(momentum, "exploration.momentum");
    require(
        !nesterov || momentum > 0,
        "exploration.nesterov",
        "needs a momentum greater than 0; raise exploration.momentum or use false");
    atLeast(0.0, weightDecay, "exploration.weight_decay");
    present(insertion, "exploration.insertion");
    cycles = List.copyOf(cycles);
    require(!cycles.isEmpty(), "exploration.autoneb", "needs at least one cycle");
    for (int i = 0; i < cycles.size(); i++) {
      String key = "exploration.autoneb." + i;
      atLeast(1, cycles.get(i).steps(), key + ".steps");
      positive(cycles.get(i).learningRate(), key + ".learning_rate");
    }
    present(pairValue, "exploration.pair_value");
    present(statistics, "exploration.statistics");
    fraction(tolerance, "exploration.tolerance");
    atLeast(0, maxPairs, "exploration.max_pairs");
  }
}
