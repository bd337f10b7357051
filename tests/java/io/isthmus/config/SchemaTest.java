package io.isthmus.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The schema is one that other tools understand, and they judge as we do. */
class SchemaTest {
  private static final com.networknt.schema.Schema GENERAL =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
          .getSchema(Config.schema());

  private static boolean ours(String text) {
    try {
      Schema.check((Tree.Mapping) YamlReader.read(text, "t"));
      return true;
    } catch (IsthmusException e) {
      return false;
    }
  }

  private static boolean theirs(String text) {
    return GENERAL.validate(text, InputFormat.YAML).isEmpty();
  }

  @Test
  void generalValidatorAgreesOnChangedValuesAndKeys() {
    String yaml =
        Config.toYaml(Config.parse("data: digits\nmodel: resnet8\n", "f", List.of()))
            .replaceAll("(?m)^.*: (null|inf)\n", "");
    assertThat(ours(yaml)).isTrue();
    assertThat(theirs(yaml)).isTrue();
    List<String> values =
        List.of(
            "3", "2.5", "3.0", "true", "word", "'7'", "[1]", "[]", "{}", "{a: 1}", "paper", "cpu");
    Matcher line = Pattern.compile("(?m)^( *(?:- \\{)?)(\\w+): ([^\n]*)$").matcher(yaml);
    int refused = 0;
    Random r = new Random(1);
    while (line.find()) {
      String value = values.get(r.nextInt(values.size()));
      for (String line2 :
          List.of(line.group(1) + line.group(2) + ": " + value, line.group(1) + "x: " + value)) {
        String changed = yaml.substring(0, line.start()) + line2 + yaml.substring(line.end());
        boolean flow = line.group(1).contains("{");
        boolean section = line.group(3).isEmpty();
        if (flow || section) {
          continue; // not YAML any more
        }
        assertThat(ours(changed)).as(changed).isEqualTo(theirs(changed));
        refused += ours(changed) ? 0 : 1;
      }
    }
    assertThat(refused).isGreaterThan(30);
  }

  @Test
  void everySettingIsInTheSchemaAndTheOtherWayRound() {
    String yaml = Config.toYaml(Config.parse("data: digits\nmodel: resnet8\n", "f", List.of()));
    Tree.Mapping written = (Tree.Mapping) YamlReader.read(yaml, "f");
    Tree.Mapping schema = (Tree.Mapping) YamlReader.read(Config.schema(), "s");
    assertSameKeys(written, schema);
  }

  private static void assertSameKeys(Tree.Mapping written, Tree.Mapping rule) {
    Tree.Mapping known = (Tree.Mapping) rule.get("properties");
    assertThat(written.entries().keySet()).containsExactlyElementsOf(known.entries().keySet());
    written
        .entries()
        .forEach(
            (key, entry) -> {
              Tree.Mapping inner = (Tree.Mapping) known.get(key);
              if (entry.value() instanceof Tree.Mapping mapping) {
                assertSameKeys(mapping, inner);
              } else if (entry.value() instanceof Tree.Sequence list
                  && list.items().size() > 0
                  && list.items().get(0) instanceof Tree.Mapping item) {
                assertSameKeys(item, (Tree.Mapping) inner.get("items"));
              }
            });
  }
}
