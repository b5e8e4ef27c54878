import Idiolect
print("idiolect")
