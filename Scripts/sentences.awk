# Which sentence is for what, and a repeatable source of chance. Shared by every script that speaks
# sentences, so that no sentence of the samples or of the development set is ever trained on.
#
# A sentence is known by its line number in text/english.txt. Sums stay below 2^53, so any awk agrees.

# A whole number below 2^31 - 1 that depends on `number` and `salt` and nothing else.
function hash(number, salt,    value, round) {
  value = (number * 69621 + salt * 16807 + 12345) % 2147483647
  for (round = 0; round < 4; round++) {
    value = (value * ((value % 65521) + 48271) + number + salt) % 2147483647
  }
  return value
}

# A fraction in [0, 1).
function chance(number, salt) { return hash(number, salt) / 2147483647 }

# A number in [low, high), with two decimals.
function between(number, salt, low, high) {
  return sprintf("%.2f", low + (high - low) * chance(number, salt))
}

# One word of the list `words`, repeated words weighing more.
function pick(number, salt, words,    list, count) {
  count = split(words, list, " ")
  return list[1 + hash(number, salt) % count]
}

# "samples" (1 in 100), "dev" (1 in 100) or "train". Does not depend on any seed.
function role(number,    bucket) {
  bucket = hash(number, 0) % 100
  return bucket == 7 ? "samples" : bucket == 8 ? "dev" : "train"
}

# Whether every voice says what is written: no abbreviation that one reads out in full, as in "st".
function speakable(text) {
  return (" " text " ") !~ / (st|mr|mrs|ms|dr|jr|hon|rev|gen|col|co|etc|lt|sept|u|ii|iii|iv|vi|vii|viii|ix|xi) /
}
