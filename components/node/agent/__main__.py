from silver.main import main

main()
