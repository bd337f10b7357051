package io.isthmus.cli;

import io.isthmus.neb.Pair;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A pair of minima as people write it, {@code 2-5}. */
final class PairConverter implements ITypeConverter<Pair> {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,9})-(\\d{1,9})");

  @Override
  public Pair convert(String text) {
    Matcher matcher = TEXT.matcher(text);
    try {
      if (matcher.matches()) {
        return Pair.of(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
      }
    } catch (IllegalArgumentException notTwoMinima) {
      // said below
    }
    throw new TypeConversionException(
        "'" + text + "' is not a pair of two different minima such as 2-5");
  }
}
