# Transcribes one recording with transformers, as a user's script would: MODEL CLIP THREADS.
import sys

import soundfile
import torch
from transformers import AutoModelForCTC, AutoProcessor

torch.set_num_threads(int(sys.argv[3]))
processor = AutoProcessor.from_pretrained(sys.argv[1])
model = AutoModelForCTC.from_pretrained(sys.argv[1]).eval()
samples, rate = soundfile.read(sys.argv[2], dtype="float32")
with torch.inference_mode():
    labels = model.generate(**processor(samples, sampling_rate=rate, return_tensors="pt"))
print(processor.batch_decode(labels, skip_special_tokens=True)[0])
