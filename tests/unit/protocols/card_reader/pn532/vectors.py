"""Whole PN532 frames as public drivers send them and real chips answer."""

ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")
ERROR = bytes.fromhex("0000ff01ff7f8100")

FIRMWARE = bytes.fromhex("0000ff02fed4022a00")
FIRMWARE_ANSWER = bytes.fromhex("0000ff06fad50332010607e800")
SAM_ONE_BYTE = bytes.fromhex("0000ff03fdd414011700")
SAM_NO_IRQ = bytes.fromhex("0000ff05fbd4140100001700")
SAM_IRQ = bytes.fromhex("0000ff05fbd4140100011600")
SAM_ANSWER = bytes.fromhex("0000ff02fed5151600")
DIAGNOSE = bytes.fromhex("0000ff09f7d400006c69626e6663be00")
DIAGNOSE_ANSWER = bytes.fromhex("0000ff09f7d501006c69626e6663bc00")
PARAMETERS = bytes.fromhex("0000ff03fdd412140600")
PARAMETERS_ANSWER = bytes.fromhex("0000ff02fed5131800")
RETRIES = bytes.fromhex("0000ff06fad43205000102f200")
RETRIES_ANSWER = bytes.fromhex("0000ff02fed533f800")
REGISTERS = bytes.fromhex("0000ff0cf4d40663026303630d6338633db000")
REGISTERS_ANSWER = bytes.fromhex("0000ff07f9d50700000000002400")
FIND = bytes.fromhex("0000ff04fcd44a0100e100")
FOUND = bytes.fromhex("0000ff0cf4d54b010100040804deadbeef9600")
AUTHENTICATE = bytes.fromhex("0000ff0ff1d440016004ffffffffffffdeadbeef5500")
DONE = bytes.fromhex("0000ff03fdd54100ea00")
KEY_REFUSED = bytes.fromhex("0000ff03fdd54114d600")
WRITE_ZEROS = bytes.fromhex("0000ff15ebd44001a004" + "00" * 16 + "4700")
BAUD_RATES = {
    0x05: bytes.fromhex("0000ff03fdd410051700"),
    0x06: bytes.fromhex("0000ff03fdd410061600"),
    0x07: bytes.fromhex("0000ff03fdd410071500"),
}
BAUD_ANSWER = bytes.fromhex("0000ff02fed5111a00")

# Frame, direction, command or answer code, parameters.
FRAMES = [
    (FIRMWARE, 0xD4, 0x02, ""),
    (FIRMWARE_ANSWER, 0xD5, 0x03, "32010607"),
    (SAM_ONE_BYTE, 0xD4, 0x14, "01"),
    (SAM_NO_IRQ, 0xD4, 0x14, "010000"),
    (SAM_IRQ, 0xD4, 0x14, "010001"),
    (SAM_ANSWER, 0xD5, 0x15, ""),
    (DIAGNOSE, 0xD4, 0x00, "006c69626e6663"),
    (DIAGNOSE_ANSWER, 0xD5, 0x01, "006c69626e6663"),
    (PARAMETERS, 0xD4, 0x12, "14"),
    (PARAMETERS_ANSWER, 0xD5, 0x13, ""),
    (RETRIES, 0xD4, 0x32, "05000102"),
    (RETRIES_ANSWER, 0xD5, 0x33, ""),
    (REGISTERS, 0xD4, 0x06, "63026303630d6338633d"),
    (REGISTERS_ANSWER, 0xD5, 0x07, "0000000000"),
    (FIND, 0xD4, 0x4A, "0100"),
    (FOUND, 0xD5, 0x4B, "010100040804deadbeef"),
    (AUTHENTICATE, 0xD4, 0x40, "016004" + "ff" * 6 + "deadbeef"),
    (DONE, 0xD5, 0x41, "00"),
    (KEY_REFUSED, 0xD5, 0x41, "14"),
    (WRITE_ZEROS, 0xD4, 0x40, "01a004" + "00" * 16),
    (BAUD_RATES[0x05], 0xD4, 0x10, "05"),
    (BAUD_RATES[0x06], 0xD4, 0x10, "06"),
    (BAUD_RATES[0x07], 0xD4, 0x10, "07"),
    (BAUD_ANSWER, 0xD5, 0x11, ""),
]
