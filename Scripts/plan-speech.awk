# Reads sentences, writes one line for each utterance to synthesise, in the order to synthesise them:
#   name, split, engine, voice, accent, pace, pitch, speed, level, text      (tab-separated)
# pace: espeak-ng words a minute, otherwise a stretch of durations; pitch: espeak-ng 0-99, flite Hz;
# speed: resampling factor (pace and pitch together, a longer or shorter throat); level: dB of peak.
#
# Variables: seed, hours. No Scottish voice is here: that accent is kept unseen for the demonstration.

BEGIN {
  OFS = "\t"
  accents = "en-us en-us en-us en-us en-us en-us en-gb en-gb en-gb en-gb en-gb-x-rp en-gb-x-rp " \
    "en-gb-x-gbclan en-gb-x-gbclan en-gb-x-gbcwmd en-gb-x-gbcwmd en-029 en-us-nyc en-us-nyc"
  variants = "f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 " \
    "Alicia Andrea Annie belinda linda anika steph steph2 steph3 aunty adam david ed edward max paul " \
    "rob robert zac victor travis shelby sandro quincy pablo norbert miguel michel Michael Mike " \
    "benjamin Denis Diogo Henrique Hugo Jacky john Lee Marco Mario pedro Gene boris caleb antonio"
  flite = "kal kal16 kal16 kal16 rms rms rms rms rms slt slt slt slt slt"
  festival = "kal_diphone ked_diphone ked_diphone cmu_us_slt_arctic_hts"
  secondsPerCharacter = 0.054
}

{ text[NR] = $0 }

END {
  wanted = hours * 3600
  for (round = 0; round < 3 && planned < wanted; round++) {
    offset = hash(round, seed) % NR
    # A stride prime to the count visits every sentence once, in scattered order.
    stride = coprime(int(NR * 0.618), NR)
    for (i = 0; i < NR && planned < wanted; i++) {
      number = 1 + (offset + i * stride) % NR
      kind = role(number)
      if (kind == "samples") continue
      if (kind == "dev" && (round > 0 || devCount++ >= 160)) continue
      speak(number, round, kind)
      planned += 0.3 + secondsPerCharacter * length(text[number])
    }
  }
}

function coprime(start, count) {
  while (divisor(start, count) > 1) start++
  return start
}

function divisor(a, b,    rest) {
  while (b > 0) { rest = a % b; a = b; b = rest }
  return a
}

function speak(number, round, split_,    salt, share, engine, voice, accent, pace, pitch, low, high) {
  salt = 1000 * seed + 100 * round
  share = chance(number, salt + 1)
  low = 0.9; high = 1.1
  pitch = 0
  if (share < 0.45) {
    engine = "espeak-ng"
    accent = pick(number, salt + 2, accents)
    voice = accent "+" pick(number, salt + 3, variants)
    pace = int(between(number, salt + 4, 120, 195))
    pitch = int(between(number, salt + 5, 25, 75))
  } else if (share < 0.85) {
    engine = "flite"
    accent = "en-us"
    voice = pick(number, salt + 2, flite)
    pace = between(number, salt + 4, 0.85, 1.25)
    pitch = int(voice ~ /^kal/ ? between(number, salt + 5, 80, 170) : 0)
  } else {
    engine = "festival"
    accent = "en-us"
    voice = pick(number, salt + 2, festival)
    pace = between(number, salt + 4, 0.85, 1.25)
  }
  # These voices keep their own durations, so resampling has to do more.
  if (voice ~ /^kal|hts/) { low = 0.84; high = 1.16 }
  print sprintf("s%05d-%d", number, round), split_, engine, voice, accent, pace, pitch,
    between(number, salt + 6, low, high), between(number, salt + 7, -14, -2), text[number]
}
