print("atc")
