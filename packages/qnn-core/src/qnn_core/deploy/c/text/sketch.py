"""examples/NAME/NAME.ino: an Arduino sketch that runs a net."""

from .source import Generated
from .usage import usage


def sketch(g: Generated) -> str:
    """Return the text of the sketch."""
    name, use = g.name, usage(g)
    return f"""// Runs {name} once a second, and says what it gives and how long it takes.
#include <{name}.h>

{use.memory}
void setup() {{
  Serial.begin(115200);
#ifndef __AVR__  // there the inputs of the self-test would take RAM
  Serial.println({name}_selftest(scratch) == 0 ? "self-test: PASS" : "self-test: FAIL");
#endif
}}

void loop() {{
  // Fill the input here: {g.name.upper()}_INPUTS values, from your sensor.
  const unsigned long start = micros();
  {use.call}
  const unsigned long taken = micros() - start;
  Serial.print("{use.what} ");
  Serial.print({use.result});
  Serial.print(", microseconds ");
  Serial.println(taken);
  delay(1000);
}}
"""
